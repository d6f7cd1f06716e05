"""Groups of staff in a shop that has just been migrated."""

from itertools import groupby

import psycopg

from console.roles import ROLES
from tests.support.servers import fresh_database

_GROUPS = """
    SELECT auth_group.name, app_label || '.' || codename
    FROM auth_group
    JOIN auth_group_permissions ON group_id = auth_group.id
    JOIN auth_permission ON auth_permission.id = permission_id
    JOIN django_content_type ON django_content_type.id = content_type_id
    ORDER BY 1
"""


def test_a_new_shop_has_the_groups_with_their_permissions(server_url, prepared):
    with fresh_database(server_url, template=prepared[0]) as url, psycopg.connect(url) as session:
        rows = session.execute(_GROUPS).fetchall()
    groups = {
        name: {permission for _, permission in found} for name, found in groupby(rows, lambda row: row[0])
    }
    assert groups == {name: set(permissions) for name, permissions in ROLES.items()}
