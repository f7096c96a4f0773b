"""Work at a pace: many tasks, a few at a time, and the moment when the last is done.

Threads; knows not what the tasks do.
Begin with ``paced_tasks``.
"""
