"""Benchmarks: tasks, prompts, answers, metrics, intervals and scorecards. Pure: no engine is started here.

`load_task(name)` gives a task; `task.load(data_dir, split)` its items; `scorecard.score` a `TaskScore`.
"""
