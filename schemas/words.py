"""Counts words: what stands between an answer and its columns where jq does not reach (see lists.toml).

Each line that comes in is an answer, as JSON: {"ordinal": 7, "endpoint": "notes", "input": {"list_id": "…"},
"status": 200, "body": "…"}. For each, one line goes out: {"answer": any JSON}, or {"error": "what is wrong with it"}.
"""

import collections
import json
import sys

for line in sys.stdin:
    words = json.loads(line)["body"].split()
    if words:
        often = collections.Counter(word.strip(".,").lower() for word in words).most_common(1)[0][0]
        said = {"answer": {"words": len(words), "often": often}}
    else:
        said = {"error": "a note without a word"}
    print(json.dumps(said), flush=True)
