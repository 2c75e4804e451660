"""ICLDist, the alignment phase of Targeted Distillation: few-shot task prompts of many formats and tasks, what the
teacher's answers to them say, and on which of them its samples agree."""
