"""A scan: its voxels, where they lie in the patient, and how to find it on disk.

Voxels are `(I, J, K[, C])` in the order of the file; an affine takes them to RAS+ mm. What
formats do differently (LPS, rescaling, slice order) ends in the reader of each format, and
every fault of a file leaves this folder as one `MedlabError` sentence. Decoding for others
(the server) happens in a worker process with limits, because a file of 2 MB can unpack to
gigabytes.
"""

from medlab.scans._affine import PLANES as PLANES
from medlab.scans._affine import PlaneAxes as PlaneAxes
from medlab.scans._affine import axis_codes as axis_codes
from medlab.scans._affine import check_affine as check_affine
from medlab.scans._affine import check_same_grid as check_same_grid
from medlab.scans._affine import is_oblique as is_oblique
from medlab.scans._affine import plane_axes as plane_axes
from medlab.scans._affine import spacing_mm as spacing_mm
from medlab.scans._affine import swap_lps_ras as swap_lps_ras
from medlab.scans._atomic import replacing as replacing
from medlab.scans._atomic import write_atomically as write_atomically
from medlab.scans._batch import BatchReport as BatchReport
from medlab.scans._batch import Job as Job
from medlab.scans._batch import make_files as make_files
from medlab.scans._cache import CachedVolume as CachedVolume
from medlab.scans._cache import first_slice as first_slice
from medlab.scans._cache import kept_thumbnail as kept_thumbnail
from medlab.scans._cache import source_stamp as source_stamp
from medlab.scans._cache import thumbnail_png as thumbnail_png
from medlab.scans._cache import volume_cache as volume_cache
from medlab.scans._confine import confined as confined
from medlab.scans._convert import convert_scans as convert_scans
from medlab.scans._first_slice import read_slice as read_slice
from medlab.scans._home import Home as Home
from medlab.scans._home import find_home as find_home
from medlab.scans._limits import NotAScan as NotAScan
from medlab.scans._limits import TooLarge as TooLarge
from medlab.scans._limits import check_size as check_size
from medlab.scans._open import open_scan as open_scan
from medlab.scans._open import read_source_header as read_source_header
from medlab.scans._open import series_slices as series_slices
from medlab.scans._picture import draw_thumbnail as draw_thumbnail
from medlab.scans._picture import proposed_window as proposed_window
from medlab.scans._resolve import resolve as resolve
from medlab.scans._source_files import ScanNotFound as ScanNotFound
from medlab.scans._source_files import dicom_candidates as dicom_candidates
from medlab.scans._source_files import series_files as series_files
from medlab.scans._summary import ScanSummary as ScanSummary
from medlab.scans._tags import scan_tags as scan_tags
from medlab.scans._volume import ScanSource as ScanSource
from medlab.scans._volume import SpacingUnit as SpacingUnit
from medlab.scans._volume import Volume as Volume
from medlab.scans._worker import read_in_worker as read_in_worker
from medlab.scans._write import NotWritten as NotWritten
from medlab.scans._write import write_nifti as write_nifti
from medlab.scans._write import write_nrrd as write_nrrd
from medlab.scans.dicom._dicomdir import MediaSeries as MediaSeries
from medlab.scans.dicom._dicomdir import read_dicomdir as read_dicomdir
from medlab.scans.dicom._file import is_dicom as is_dicom
from medlab.scans.dicom._file import may_be_dicom as may_be_dicom
from medlab.scans.dicom._file import read_dicom as read_dicom
from medlab.scans.dicom._references import Reference as Reference
from medlab.scans.dicom._references import references as references
from medlab.scans.dicom._slice import DicomSlice as DicomSlice
from medlab.scans.dicom._slice import slices_of as slices_of
from medlab.scans.formats._nrrd import read_nrrd_array as read_nrrd_array
from medlab.scans.formats._nrrd import read_nrrd_fields as read_nrrd_fields
from medlab.scans.index._find import find_scan as find_scan
from medlab.scans.index._find import find_summary as find_summary
from medlab.scans.index._find import list_scans as list_scans
from medlab.scans.index._patients import Group as Group
from medlab.scans.index._patients import scan_groups as scan_groups
from medlab.scans.index._progress import IndexProgress as IndexProgress
from medlab.scans.index._query import Page as Page
from medlab.scans.index._query import Query as Query
from medlab.scans.index._query import search_scans as search_scans
from medlab.scans.index._read import Entry as Entry
from medlab.scans.index._read import Piece as Piece
from medlab.scans.index._read import read_piece as read_piece
from medlab.scans.index._update import IndexReport as IndexReport
from medlab.scans.index._update import index_pieces as index_pieces
from medlab.scans.index._update import store as store
from medlab.scans.index._update import update_index as update_index
from medlab.scans.index._watch import watch as watch
