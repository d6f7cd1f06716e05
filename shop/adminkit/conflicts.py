"""Forms of the admin that never write what they have not changed, and say what another one changed meanwhile.

Each field brings along the value that it had when the form was opened. A field that this form left alone
keeps its present value; one that both changed, to different values, is a conflict.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext

#: Characters of a value that a conflict shows.
_SHOWN = 200

if TYPE_CHECKING:
    _Form = forms.ModelForm[Any]
    _Admin = admin.ModelAdmin[Any]
else:
    _Form = object
    _Admin = object


class ConflictAwareForm(_Form):
    """Mixin of a form that knows the values at the time when it was opened."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.show_hidden_initial = not field.disabled

    def clean(self) -> Any:
        """Refuse conflicts, and give fields that this form left alone their present values."""
        cleaned = super().clean()
        cleaned = self.cleaned_data if cleaned is None else cleaned
        for name in [name for name in self._changed_elsewhere() if name in cleaned]:
            if not self._was_changed_here(name):
                cleaned[name] = self._present(name)
            elif self._posts_another_value(name):
                self.add_error(name, self._conflict(name))
        return cleaned

    @property
    def changed_data(self) -> list[str]:
        """Return the fields that this form changes, by the values when it was opened if it brings them."""
        if not self._brings_values():
            return [name for name in self._editable() if self._posts_another_value(name)]
        return [name for name in self._editable() if self._was_changed_here(name)]

    def _brings_values(self) -> bool:
        beginning = self.add_initial_prefix("")
        return any(name.startswith(beginning) for name in self.data)

    def _editable(self) -> list[str]:
        return [name for name, field in self.fields.items() if not field.disabled]

    def _changed_elsewhere(self) -> list[str]:
        if not self._brings_values():
            return []
        return [
            name
            for name in self._editable()
            if self.fields[name].has_changed(self[name].initial, self._opened(name))
        ]

    def _was_changed_here(self, name: str) -> bool:
        field = self.fields[name]
        try:
            opened = field.to_python(self._opened(name))
        except forms.ValidationError:
            return True
        return field.has_changed(opened, self[name].data)

    def _posts_another_value(self, name: str) -> bool:
        return self.fields[name].has_changed(self[name].initial, self[name].data)

    def _opened(self, name: str) -> Any:
        """Return the value that the field had when the form was opened, as it was sent."""
        widget = self.fields[name].hidden_widget()
        return widget.value_from_datadict(self.data, self.files, self.add_initial_prefix(name))

    def _present(self, name: str) -> Any:
        if self.instance._meta.get_field(name).many_to_many:
            return self.initial[name]
        return getattr(self.instance, name)

    def _conflict(self, name: str) -> forms.ValidationError:
        text = gettext("This was {} when you opened the form, and is {} now: open it again, and decide anew.")
        values = (_shown(self._opened(name)), _shown(self._present(name)))
        return forms.ValidationError(text.format(*values), "conflict")


class ConflictAware(_Admin):
    """Mixin of a ModelAdmin whose forms lose no update of another form."""

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Return the form of a known object with its conflicts."""
        form = super().get_form(request, obj, change=change, **kwargs)
        return type(form.__name__, (ConflictAwareForm, form), {}) if change else form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Lock an object that is to be changed, so that what is compared stays until it is written."""
        found = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST" and connection.in_atomic_block:
            return type(found)._default_manager.select_for_update().get(pk=found.pk)
        return found


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        names = [str(one) for one in value]
        return f"“{', '.join(names)[:_SHOWN]}”" if names else "empty"
    text = value.pk if isinstance(value, Model) else value
    return f"“{str(text)[:_SHOWN]}”" if text not in (None, "") else "empty"
