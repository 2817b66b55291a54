"""The state service promises: whoever says in a client's words that a session is no person's, keeps it from theirs."""

import pytest


@pytest.mark.parametrize(
    ("query", "store"),
    [
        ("", "episodes"),
        ("?simulation=false", "episodes"),
        ("?simulation=0", "episodes"),
        ("?simulation=true", "simulated_episodes"),
        ("?simulation=True", "simulated_episodes"),
        ("?simulation=1", "simulated_episodes"),
        ("?zerostyle=True", "self_play_episodes"),
    ],
)
def test_a_session_lies_in_the_store_that_its_client_names(served, client, query, store):
    episode = client.post(f"/api/backend/episodes/start{query}", json={"problem_id": "x"}).json()["episode_id"]
    assert (getattr(served.paths, store) / episode).is_dir()
    assert client.post(f"/api/backend/episodes/{episode}/end{query}").status_code == 200
