"""Makes the stock nbgrader commands work from this folder: `nbgrader generate_assignment ch01`, `autograde`, ..."""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ComputeChecksums,
    IgnorePattern,
    LimitOutput,
    LockCells,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
    SaveCells,
)

sys.path.insert(0, str(Path(__file__).parent))
# nbgrader calls `alembic` by name, also when it was itself started by its full path.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

from graders import plugins

c = get_config()

c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "course"
# The authored text lies beside the solution notebook, and nbgrader would release it with the notebook.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.py"]

# course/ is committed, so there is always something to overwrite.
c.GenerateAssignment.force = True
c.GenerateAssignment.preprocessors = [
    LockCells,
    plugins.Stub,
    plugins.MarkGenerated,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    ComputeChecksums,
    CheckCellMetadata,
]

c.Autograde.exporter_class = plugins.ReadAnything
c.Autograde.pre_convert_hook = plugins.report_misnamed
c.Autograde.post_convert_hook = plugins.drop_linked_files
# Without CheckCellMetadata and ClearOutput: ReadAnything takes no outputs over, and Restore writes the metadata itself.
c.Autograde.sanitize_preprocessors = [plugins.Restore, OverwriteKernelspec, OverwriteCells]
c.Autograde.autograde_preprocessors = [
    plugins.Run,
    plugins.Judge,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    SaveAutoGrades,
    AssignLatePenalties,
]
