"""The recorder: sessions on the disk, from their first keystroke to the snapshot that training reads."""
