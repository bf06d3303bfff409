"""The vendor's name, logo and colour on the pages that customers see."""

import re
from dataclasses import dataclass
from pathlib import Path

COLOR = re.compile(r"#[0-9a-fA-F]{6}")
LOGO_TYPES = {".svg": "image/svg+xml", ".png": "image/png", ".webp": "image/webp"}
LEAST_CONTRAST = 4.5
"""White text on the colour, as WCAG 2.2 AA wants it (1.4.3)."""


@dataclass(frozen=True, slots=True)
class Brand:
    """Without anything: pages of nobody in particular."""

    name: str = ""
    color: str = ""
    logo: Path | None = None

    @property
    def style(self) -> str:
        """Our own policy allows no style within a page, so the colour is a file."""
        return f":root {{ --accent: {self.color}; }}\n" if self.color else ""


def contrast_with_white(color: str) -> float:
    """1 to 21, of `#rrggbb`: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio ."""
    channels = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4  # noqa: PLR2004  sRGB
        for channel in channels
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)
