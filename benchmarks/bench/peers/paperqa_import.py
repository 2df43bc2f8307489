"""What PaperQA2 takes before it does anything."""

import paperqa  # noqa: F401
