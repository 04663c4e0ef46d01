"""The seeded project, the scripted agent, and the story that `ablehand demo` plays."""
