from pathlib import Path

import pytest
from pydantic import ValidationError

from lineshaft.api.domain.branding import contrast_with_white
from lineshaft.api.settings import ApiSettings


def settings(**brand: object) -> ApiSettings:
    return ApiSettings.model_validate({"secret_keys": "", "link_signing_key": "k", **brand})


@pytest.mark.parametrize(
    ("color", "contrast"), [("#000000", 21.0), ("#ffffff", 1.0), ("#777777", 4.48), ("#767676", 4.54)]
)
def test_contrast_is_that_of_the_guidelines(color: str, contrast: float) -> None:
    assert contrast_with_white(color) == pytest.approx(contrast, abs=0.01)


@pytest.mark.parametrize(
    ("brand", "words"),
    [
        ({"brand_color": "teal"}, "write it as #rrggbb"),
        ({"brand_color": "#ffcc00"}, r"contrast of 1\.5 on it; take a darker one"),
        ({"brand_logo": "/no/such/logo.svg"}, "name a file that exists"),
        ({"brand_logo": __file__}, r"ends with \.svg, \.png, \.webp"),
    ],
)
def test_a_brand_that_would_not_show_is_refused_at_the_start(brand: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**brand)


def test_a_brand_is_taken_from_the_settings(tmp_path: Path) -> None:
    logo = tmp_path / "logo.SVG"
    logo.write_text("<svg/>", encoding="utf-8")
    brand = settings(brand_name="Acme", brand_color="#0b5869", brand_logo=str(logo)).brand
    assert (brand.name, brand.logo, brand.style) == ("Acme", logo, ":root { --accent: #0b5869; }\n")
    assert settings().brand.style == ""
