"""An operator gives a product a picture of a camera's size: the browser scales it down."""

import struct
import zlib

import pytest
from django.contrib.auth.models import User
from django.core.files.storage import default_storage

from inventory.models import Product
from shop.web import media

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIDE = 1500


def large_png() -> bytes:
    """Return a picture of several megabytes: it is not compressed."""
    rows = b"".join(b"\0" + bytes((y // 6 % 256, 90, 160)) * SIDE for y in range(SIDE))
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


@pytest.fixture
def mug(transactional_db, settings, tmp_path) -> Product:
    settings.MEDIA_ROOT = str(tmp_path)
    User.objects.create_superuser("olga", "olga@example.com", "correct horse")
    return Product.objects.create(sku="MUG", name="Mug", price="9.90")


def test_a_large_picture_is_scaled_down_and_shown(live_server, mug, open_browser):
    page = open_browser(base_url=live_server.url, viewport={"width": 1280, "height": 900}, locale="en-GB")
    page.goto(f"/admin/inventory/product/{mug.pk}/picture/")
    page.get_by_label("Username").fill("olga")
    page.get_by_label("Password").fill("correct horse")
    page.get_by_role("button", name="Log in").click()
    picture = {"name": "camera.png", "mimeType": "image/png", "buffer": large_png()}
    page.get_by_label("Picture").set_input_files(picture)
    page.get_by_label("Reason").fill("a better one")
    page.get_by_role("button", name="Take this picture").click()
    page.get_by_text("has another picture").wait_for()
    (name,) = default_storage.listdir("products")[1]
    assert name.endswith(".webp")
    assert default_storage.size(f"products/{name}") < media.MAX_PICTURE
    page.goto("/")
    width = "async (picture) => { await picture.decode(); return picture.naturalWidth; }"
    assert page.locator("img.picture").evaluate(width) == 1200
