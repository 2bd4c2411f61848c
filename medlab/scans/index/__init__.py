"""The scan index: SQLite below `.medlab/`, filled by workers, searched by the panel."""
