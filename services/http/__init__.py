"""HTTP: the addresses of the services and of the page, what each request passes, and the port that serves them."""
