"""The alignment phase of Targeted Distillation: few-shot task prompts, and what the teacher answers."""
