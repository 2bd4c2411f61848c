"""Scans of a hospital's archive: search, fetch and send over DICOMweb.

Which servers there are is an administrator's word: a table of names, addresses and logins that
a request cannot add to. What a server answers is a stranger's text: counted, timed, never
followed elsewhere and never logged. A fetched series lies below `.medlab/dicomweb/` under names
without patient text, and is a scan as any other from then on.
"""

from medlab.dicomweb._answers import SentInstance as SentInstance
from medlab.dicomweb._errand import Errand as Errand
from medlab.dicomweb._fetch import FetchedSeries as FetchedSeries
from medlab.dicomweb._fetch import Progress as Progress
from medlab.dicomweb._fetch import fetch_series as fetch_series
from medlab.dicomweb._limits import LIMITS as LIMITS
from medlab.dicomweb._limits import Limits as Limits
from medlab.dicomweb._search import FoundSeries as FoundSeries
from medlab.dicomweb._search import SeriesQuery as SeriesQuery
from medlab.dicomweb._search import find_series as find_series
from medlab.dicomweb._send import Sent as Sent
from medlab.dicomweb._send import send as send
from medlab.dicomweb._servers import NoServer as NoServer
from medlab.dicomweb._servers import Server as Server
from medlab.dicomweb._servers import find_server as find_server
from medlab.dicomweb._servers import read_table as read_table
from medlab.dicomweb._servers import servers as servers
from medlab.dicomweb._shelf import fetched as fetched
from medlab.dicomweb._uids import check_uid as check_uid
