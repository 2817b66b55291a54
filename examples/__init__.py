"""Two sample sessions, and the script that writes them."""
