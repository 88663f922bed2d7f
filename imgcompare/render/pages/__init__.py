"""What single commands print: history, settings, explanations, one image, two images."""
