"""DICOM: files into series, series into volumes, by geometry and never by file names."""
