from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, field_validator, model_validator

from lineshaft.api.domain.branding import COLOR, LEAST_CONTRAST, LOGO_TYPES, Brand, contrast_with_white
from lineshaft.common.settings import LinkSettings, SecretSettings


class ApiSettings(SecretSettings, LinkSettings):
    admin_key: SecretStr | None = Field(
        default=None,
        description="An admin key that is valid from the start: `python -m lineshaft.api.new_key` makes one.",
    )
    requests_per_minute: int = Field(
        default=30_000,
        ge=0,
        description="API requests of a key in a minute, on each replica of `api`; 0: any number.",
    )
    link_session_seconds: float = Field(
        default=24 * 3600.0, gt=0, description="How long a customer can use a connect link."
    )
    code_seconds: float = Field(
        default=600.0, gt=0, description="How long the code can be exchanged for a token."
    )
    token_grace_seconds: float = Field(
        default=0.0,
        ge=0,
        description="How much longer an old connection token works after it was replaced.",
    )
    connect_wait_seconds: float = Field(
        default=25.0, ge=0, description="How long the connect page waits for the source's answer."
    )
    page_wait_seconds: float = Field(
        default=1.0, ge=0, description="How long a customer waits for a page before it shows the steps."
    )
    write_wait_seconds: float = Field(
        default=10.0, ge=0, description="How long a write waits before it answers with an operation."
    )

    brand_name: str = Field(
        default="", max_length=100, description="Your name on the pages where customers connect."
    )
    brand_logo: Path | None = Field(
        default=None, description="A file with your logo for these pages: .svg, .png or .webp."
    )
    brand_color: str = Field(
        default="",
        description="The colour of their buttons, such as #0b5869; white text has to be readable on it.",
    )

    console_password: SecretStr | None = Field(
        default=None,
        min_length=12,
        description="Signs in to the console as an editor; an admin key does, too. At least 12 characters.",
    )
    console_viewer_password: SecretStr | None = Field(
        default=None,
        min_length=12,
        description="Signs in to the console as a viewer, who changes nothing. At least 12 characters.",
    )
    console_oidc_issuer: str = Field(
        default="", description="Issuer of the OpenID provider that signs people in to the console."
    )
    console_oidc_client_id: str = Field(default="", description="The console's client there.")
    console_oidc_client_secret: SecretStr | None = Field(default=None, description="Its secret.")
    console_oidc_name: str = Field(default="your organization", description="What its button says.")
    console_oidc_scopes: str = Field(default="openid profile email", description="What is asked for there.")
    console_oidc_role_claim: str = Field(
        default="groups",
        description="The claim that says what somebody may do; a dot leads into an object.",
    )
    console_oidc_editors: str = Field(default="", description="Values of the claim that edit, by commas.")
    console_oidc_viewers: str = Field(default="", description="Values of the claim that look, by commas.")
    console_session_seconds: float = Field(
        default=12 * 3600.0, gt=0, description="How long somebody stays signed in to the console."
    )

    @model_validator(mode="after")
    def _whole_oidc(self) -> Self:
        wanted = (self.console_oidc_client_id, self.console_oidc_client_secret)
        if self.console_oidc_issuer and not all(wanted):
            raise ValueError("console_oidc_issuer needs console_oidc_client_id and ..._client_secret")
        if self.console_oidc_issuer and not (self.console_oidc_editors or self.console_oidc_viewers):
            raise ValueError("console_oidc_issuer needs console_oidc_editors or console_oidc_viewers")
        return self

    @field_validator("brand_color")
    @classmethod
    def _readable(cls, color: str) -> str:
        if color and not COLOR.fullmatch(color):
            raise ValueError("write it as #rrggbb")
        if color and (contrast := contrast_with_white(color)) < LEAST_CONTRAST:
            raise ValueError(f"white text has a contrast of {contrast:.1f} on it; take a darker one (4.5)")
        return color

    @field_validator("brand_logo")
    @classmethod
    def _image(cls, logo: Path | None) -> Path | None:
        if logo is not None and (logo.suffix.lower() not in LOGO_TYPES or not logo.is_file()):
            raise ValueError(f"name a file that exists and ends with {', '.join(LOGO_TYPES)}")
        return logo

    @property
    def brand(self) -> Brand:
        return Brand(self.brand_name, self.brand_color, self.brand_logo)

    @property
    def console_session_lifetime(self) -> timedelta:
        return timedelta(seconds=self.console_session_seconds)

    @property
    def link_session_lifetime(self) -> timedelta:
        return timedelta(seconds=self.link_session_seconds)

    @property
    def code_lifetime(self) -> timedelta:
        return timedelta(seconds=self.code_seconds)

    @property
    def token_grace(self) -> timedelta:
        return timedelta(seconds=self.token_grace_seconds)
