"""What an annotation is: labels, segments, and the layers people draw on.

An edit is a `Delta`: what was there before, what is there after. It travels as a binary frame
from the browser to the server, is appended to the layer's journal, synced to disk, and only
then acknowledged. Kernels, scripts and servers write the same journal under a file lock, and
read it without one. Nothing is rewritten in place, so nothing can be half written.
"""

from medlab.labels._ack import Ack as Ack
from medlab.labels._ack import StaleEdit as StaleEdit
from medlab.labels._answers import Answer as Answer
from medlab.labels._answers import answer_labels as answer_labels
from medlab.labels._answers import answer_of as answer_of
from medlab.labels._answers import whole_number as whole_number
from medlab.labels._color_tables import find_color_table as find_color_table
from medlab.labels._color_tables import read_color_table as read_color_table
from medlab.labels._color_tables import write_color_table as write_color_table
from medlab.labels._delta import Delta as Delta
from medlab.labels._delta import from_frame as from_frame
from medlab.labels._delta import to_frame as to_frame
from medlab.labels._folder import LayerNotFound as LayerNotFound
from medlab.labels._folder import list_layers as list_layers
from medlab.labels._frame import Frame as Frame
from medlab.labels._frame import FrameError as FrameError
from medlab.labels._frame import decode_frame as decode_frame
from medlab.labels._frame import decode_runs as decode_runs
from medlab.labels._frame import encode_frame as encode_frame
from medlab.labels._frame import encode_runs as encode_runs
from medlab.labels._frame import join_frames as join_frames
from medlab.labels._frame import split_frames as split_frames
from medlab.labels._grid import Grid as Grid
from medlab.labels._grid import grid_of as grid_of
from medlab.labels._journal import JournalDamaged as JournalDamaged
from medlab.labels._label_search import find_label_files as find_label_files
from medlab.labels._labels import Labels as Labels
from medlab.labels._labels import save_labels as save_labels
from medlab.labels._layer import Layer as Layer
from medlab.labels._layer_file import FORMATS as FORMATS
from medlab.labels._layer_file import FileChanged as FileChanged
from medlab.labels._layer_file import file_state as file_state
from medlab.labels._layer_file import format_of_file as format_of_file
from medlab.labels._layer_file import save_layers as save_layers
from medlab.labels._ledger import AnotherHistory as AnotherHistory
from medlab.labels._ledger import LayerBusy as LayerBusy
from medlab.labels._locks import SegmentLocked as SegmentLocked
from medlab.labels._mark_files import read_marks as read_marks
from medlab.labels._mark_files import write_marks as write_marks
from medlab.labels._marks import Mark as Mark
from medlab.labels._marks import as_marks as as_marks
from medlab.labels._marks import marks_to_json as marks_to_json
from medlab.labels._marks import new_mark_id as new_mark_id
from medlab.labels._proposal import KEEP as KEEP
from medlab.labels._proposal import Proposal as Proposal
from medlab.labels._read import open_label_layers as open_label_layers
from medlab.labels._read import open_labels as open_labels
from medlab.labels._segment import PALETTE as PALETTE
from medlab.labels._segment import Segment as Segment
from medlab.labels._segment import SegmentCode as SegmentCode
from medlab.labels._segment import as_segments as as_segments
from medlab.labels._segment import find_segment as find_segment
from medlab.labels._segment import segments_to_json as segments_to_json
