"""What is installed, for people and their tools: text for the terminal, TypeScript declarations, pages of the documentation."""
