"""The frame of every API door: who asks, what they sent, what they get back, and every refusal as a problem."""
