"""Pictures of products: uploaded ones take the place of what the product has."""

from typing import Any
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from inventory.models import Product
from shop.web import media

FOLDER = "products"


class PictureForm(forms.Form):
    """A picture, and why it is another one."""

    file = forms.FileField(
        label=_("Picture"),
        help_text=format_lazy(
            _("PNG, JPEG or WebP, {size} KB at most; a larger one is scaled down."),
            size=media.MAX_PICTURE // 1000,
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=200,
        help_text=_("Stands in the history of the product."),
    )

    def clean_file(self) -> str:
        """Keep the picture and return its URL; refuse what is none by its content."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > media.MAX_PICTURE:
            text = gettext("The picture has more than {size} bytes: scale it down.")
            raise forms.ValidationError(text.format(size=f"{media.MAX_PICTURE:,}"))
        try:
            return media.keep(FOLDER, file.read())
        except media.NoPicture as error:
            raise forms.ValidationError(str(error)) from error
        except OSError as error:
            text = gettext("The storage does not take it: {error}.")
            raise forms.ValidationError(text.format(error=type(error).__name__)) from error


def change_picture(*, product_id: UUID, url: str) -> Product:
    """Give a product another picture; one that no product has any more is deleted once that is committed."""
    with transaction.atomic():
        product = Product.objects.select_for_update().get(pk=product_id)
        before, product.picture = product.picture, url
        product.save(update_fields=["picture"])
        transaction.on_commit(lambda: _remove_unused(before))
    return product


def _remove_unused(url: str) -> None:
    if not Product.objects.filter(picture=url).exists():
        media.remove(url)
