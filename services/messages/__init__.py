"""The messages of the addresses, as requests and answers hold them."""
