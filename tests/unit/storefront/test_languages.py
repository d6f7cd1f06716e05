"""Pages in the visitor's language: that of the browser, or the chosen one. The API stays English."""

import pytest
from django.utils import translation

from tests.unit.storefront.conftest import filled_form, text_of

GERMAN = {"accept-language": "de-AT,de;q=0.9,en;q=0.5"}


def test_a_page_speaks_the_language_of_the_browser(catalogue, client):
    answer = client.get("/products/TEAPOT/", headers=GERMAN)
    assert '<html lang="de">' in answer.content.decode()
    assert answer["Content-Language"] == "de"
    assert {"Accept-Language", "Cookie"} <= set(answer["Vary"].split(", "))
    assert "Teapot 24,95 € Nur noch 5 da" in text_of(answer)


def test_a_language_that_there_is_not_is_english(catalogue, client):
    assert "Only 5 left" in text_of(client.get("/products/TEAPOT/", headers={"accept-language": "fr"}))


def test_a_visitor_chooses_a_language_without_a_script(catalogue, client):
    assert 'name="language" value="de" lang="de">Deutsch<' in client.get("/").content.decode()
    chosen = client.post("/language/", {"language": "de", "next": "/basket/"})
    assert chosen["Location"] == "/basket/"
    assert chosen.cookies["django_language"]["httponly"]
    assert "Ihr Warenkorb" in text_of(client.get("/basket/", headers={"accept-language": "en"}))


def test_a_choice_leads_to_no_other_site(client):
    chosen = client.post("/language/", {"language": "de", "next": "https://example.org/"})
    assert chosen["Location"] == "/"


def test_forms_and_messages_are_german(customer):
    customer.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    added = customer.post("/basket/add/", {"sku": "MUG", "quantity": 2}, follow=True)
    assert "Blue mug liegt in Ihrem Warenkorb." in text_of(added)
    form = customer.post("/checkout/", filled_form(customer, street=""))
    assert form.status_code == 422
    assert "Geben Sie Straße und Hausnummer an." in text_of(form)
    assert "Vereinigtes Königreich" in text_of(form)


def test_the_api_stays_english(catalogue, client):
    client.post("/language/", {"language": "de"})
    answer = client.get("/api/v1/orders", headers=GERMAN)
    assert "credentials" in answer.json()["detail"]
    assert "Content-Language" not in answer
    assert "Accept-Language" not in answer.get("Vary", "")


def test_a_language_ends_with_its_request(catalogue, client):
    client.get("/", headers=GERMAN)
    assert translation.get_language() == "en"


@pytest.mark.parametrize(
    "path", ["/nothing-here", "/accounts/login/", "/accounts/register/", "/accounts/password/forgotten/"]
)
def test_other_pages_are_german(db, client, path):
    assert '<html lang="de">' in client.get(path, headers=GERMAN).content.decode()
