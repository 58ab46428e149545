"""The archive shared by several machines, in a bucket that speaks S3. Each machine's folder is a working copy.

    s3://bucket/prefix/journal/000000000007.json            one entry: its line of journal.jsonl, line end and all
    s3://bucket/prefix/thousands/000000001000.jsonl         entries 1 to 1000 once more, for whoever comes new
    s3://bucket/prefix/4f/4f53cd..., 4f/4f53cd....gz        the bodies, named and packed as in the folder

Objects are only ever created, never written over or deleted: creating entry 7 succeeds once, for one machine,
so the journal stays one chain without a lock that machines would have to share. A body is there before the
entry that names it.
"""
