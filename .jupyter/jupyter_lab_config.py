"""JupyterLab as the course wants it: `make lab` passes this file, and so can `jupyter lab --config=...`.

It opens the start page and trusts the course's notebooks. Beside it, `settings/overrides.json` keeps questions and news
out of a student's way, and `settings/page_config.json` hides what only an author of stock nbgrader notebooks needs.
"""

from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

c = get_config()
here = Path(__file__).resolve().parent
root = here.parent

c.ServerApp.root_dir = str(root)
c.LabApp.default_url = "/lab/tree/course/index.md"
c.LabApp.app_settings_dir = str(here / "settings")

# A container's only user is often root, and the server listens on localhost with a token all the same.
c.ServerApp.allow_root = True

# JupyterLab hides the drawings of a notebook that it does not trust. It trusts the course's own, not what is handed in.
notary = NotebookNotary()
for notebook in sorted([*root.glob("course/*/*.ipynb"), *root.glob("solutions/*/*.ipynb")]):
    try:
        notary.sign(nbformat.read(notebook, as_version=4))
    except Exception as error:  # a damaged notebook must not keep the others from opening
        print(f"{notebook.relative_to(root)} is not trusted, for it cannot be read: {error}")
notary.store.close()
