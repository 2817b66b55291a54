"""HTTP for clients and the page: the recorder, the tester and the policy on one port of this machine."""
