"""What happens to a catalogue's images: read as rows, learnt from, judged, kept, asked."""
