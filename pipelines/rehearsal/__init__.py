"""What would be: derived for whoever asks, and never written."""
