"""Export: the history of a run for other programs.

`export_run` writes what there is now; `follow` writes TensorBoard's files while the run
trains. CSV and JSON need nothing beyond Python, TensorBoard's event files
`medlab[tensorboard]`, MLflow `medlab[mlflow]`. All of them tell one consistent history:
steps that a resumed run took again count once.
"""

from medlab.train.export._export import FORMATS, TEXTS, export_run, follow
from medlab.train.export._history import History

__all__ = ["FORMATS", "TEXTS", "History", "export_run", "follow"]
