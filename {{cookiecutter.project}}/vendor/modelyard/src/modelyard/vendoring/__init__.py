"""The library as a wheel in a project's `vendor/` folder: built, checked, compared, unpacked and upgraded."""
