"""Uploaded pictures: checked by their content, shown in shop and admin, served so that nothing runs."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from inventory.models import Product
from shop.web import media

pytestmark = pytest.mark.django_db(transaction=True)

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 50
JPEG, WEBP = b"\xff\xd8\xff\xe0" + b"1" * 50, b"RIFF\x32\x00\x00\x00WEBPVP8 " + b"2" * 50


@pytest.fixture(autouse=True)
def _storage(settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)


@pytest.fixture
def olga(client):
    client.force_login(User.objects.create_superuser("olga"))
    return client


def upload(client: Client, product: Product, content: bytes, name: str = "x.png", **fields: str):
    form = {"file": SimpleUploadedFile(name, content), **fields}
    return client.post(f"/admin/inventory/product/{product.pk}/picture/", form)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")],
    ids=["png", "jpeg", "webp"],
)
def test_a_picture_is_shown_to_customers_and_operators(olga, teapot, content, kind):
    assert upload(olga, teapot, content, "whatever.exe", reason="a better one").status_code == 302
    url = Product.objects.get().picture
    assert f'src="{url}"' in olga.get("/").content.decode()
    assert f'src="{url}"' in olga.get("/admin/inventory/product/").content.decode()
    assert olga.get(f"/api/v1/products/{teapot.sku}").json()["picture"] == url
    answer = olga.get(url)
    assert (answer.getvalue(), answer["Content-Type"]) == (content, kind)
    assert LogEntry.objects.get().change_message == "Changed the picture. Reason: a better one"


def test_it_is_served_so_that_nothing_in_it_runs_and_caches_keep_it(olga, teapot):
    upload(olga, teapot, PNG)
    url = Product.objects.get().picture
    answer = olga.get(url)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert olga.get(url, headers={"If-None-Match": answer["ETag"]}).status_code == 304
    answer.close()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no PNG, JPEG or WebP"),
        (b"GIF89a", "no PNG, JPEG or WebP"),
        (b"RIFF\x00\x00\x00\x00WAVE", "no PNG, JPEG or WebP"),
        (PNG + b"0" * media.MAX_PICTURE, "scale it down"),
        (b"", "empty"),
    ],
)
def test_what_is_no_small_picture_by_its_content_is_refused(olga, teapot, content, said):
    assert said in upload(olga, teapot, content, "picture.png").content.decode()
    assert Product.objects.get().picture == teapot.picture


def test_a_picture_that_no_product_has_any_more_is_deleted(olga, teapot):
    cup = Product.objects.create(sku="CUP", name="Cup", price="1.00")
    upload(olga, teapot, PNG)
    upload(olga, cup, PNG)
    shared = Product.objects.get(sku="CUP").picture
    upload(olga, teapot, JPEG)
    assert olga.get(shared).getvalue() == PNG
    upload(olga, cup, JPEG)
    assert olga.get(shared).status_code == 404
    assert len(default_storage.listdir("products")[1]) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/media/products/../../etc/passwd",
        "/media/products/" + "0" * 32 + ".png",
        "/media/products/" + "0" * 32 + ".svg",
        "/media/",
    ],
)
def test_nothing_else_is_served(client, path):
    assert client.get(path).status_code == 404
