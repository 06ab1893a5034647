"""The main job: `pyagent swarm`."""
