"""民声直通车, a municipal citizen-appeals back office. `create_app` builds one application per process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flask import Flask


def _asset_version(root: str) -> str:
    """What the browser's cache of our own style sheet and script is keyed by; "" before the front end is built."""
    from pathlib import Path

    file = Path(root) / "static" / "dist" / "version.txt"
    return file.read_text().strip() if file.is_file() else ""


def _row_id(usual: Any) -> Any:
    """Numbers in addresses that a key column can hold; a longer one is no page (404), not a fault of the database."""

    class RowId(usual):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{"max": 2**31 - 1, **kwargs})

    return RowId


def create_app(config: Mapping[str, Any]) -> Flask:
    """An application from Flask settings (config.flask_settings); imports are inside: importing `app` is free."""
    import uuid

    from flask import Flask, g
    from flask.json.provider import DefaultJSONProvider
    from flask_appbuilder import AppBuilder, Model
    from flask_migrate import Migrate

    from app.api import init_api
    from app.bearer import ApiCsrf, NoCookie
    from app.cli import init_cli
    from app.errors import init_errors
    from app.file_api import init_file_api
    from app.grid_api import init_grid_api
    from app.grid_edit_api import init_grid_edit_api
    from app.grid_file_api import init_grid_file_api
    from app.integration_api import init_integration_api
    from app.models import db
    from app.pages import init_pages
    from app.security import StaffingSecurityManager, init_security
    from app.sheet_import_api import init_sheet_import_api
    from app.view_api import init_view_api
    from app.views import HomeView, register

    app = Flask("app", root_path=__path__[0])
    app.config.from_mapping(config)
    app.url_map.converters["int"] = _row_id(app.url_map.converters["int"])
    app.session_interface = NoCookie()
    if isinstance(app.json, DefaultJSONProvider):
        app.json.ensure_ascii = app.json.sort_keys = False  # Chinese as it is, keys as they were put
    app.config["ASSET_VERSION"] = _asset_version(app.root_path)
    db.init_app(app)
    Migrate(app, db, directory=f"{__path__[0]}/migrations", metadata=Model.metadata)
    @app.before_request
    def _name_request() -> None:
        g.request_id = uuid.uuid4().hex

    # After the request has its number: a refused form's page names it.
    app.extensions["csrf_protect"] = ApiCsrf(app)

    with app.app_context():
        appbuilder = AppBuilder(
            app,
            db.session,
            indexview=HomeView,
            security_manager_class=StaffingSecurityManager,
            update_perms=False,
        )
        register(appbuilder)
        init_security(app)
    init_pages(app)
    init_errors(app)
    init_api(app)
    init_grid_api(app)
    init_file_api(app)
    init_integration_api(app)
    init_grid_edit_api(app)
    init_grid_file_api(app)
    init_sheet_import_api(app)
    init_view_api(app)
    init_cli(app)
    return app
