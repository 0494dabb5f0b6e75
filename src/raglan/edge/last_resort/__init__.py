"""Paging without a database: when it has been away for a minute, this node pages from its own disk.

Words: the standing is what was known of who is paged for what, written each minute (`standing`, `reading`). A case is
one page of last resort, to a policy, about any number of groups of alerts (`cases`). The diary keeps what was done, on
disk, before and after each message (`diary`). The pager does it (`pager`); the door takes answers (`door`). What was
done is told to the database once it is back (`telling`).
"""
