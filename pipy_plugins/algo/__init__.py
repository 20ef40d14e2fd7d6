"""The members of the script global ``algo``; each class is a plugin of its own."""
