"""What a release consists of: wheel, executable, images, bills of materials, sums and their signature."""
