"""Real public scans, fetched by pinned version and sha256 into a cache; offline afterwards."""

from medlab.samples._catalog import Sample as Sample
from medlab.samples._catalog import catalog as catalog
from medlab.samples._catalog import find_sample as find_sample
from medlab.samples._fetch import SampleNotFetched as SampleNotFetched
from medlab.samples._fetch import cache_folder as cache_folder
from medlab.samples._fetch import fetch as fetch
from medlab.samples._fetch import open_sample as open_sample
from medlab.samples._fetch import place as place
