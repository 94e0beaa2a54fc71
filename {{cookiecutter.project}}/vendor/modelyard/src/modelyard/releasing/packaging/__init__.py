"""Wheel, executable, images and bills of materials of a release."""
