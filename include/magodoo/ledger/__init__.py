"""Change ledger: planned changes, who may write them, and how each is carried out effectively once.

`planned` is what the ledger is given. `changes` owns the table of changes, `decisions` the verdicts and approvals
that are written into it, `approvals` the limits above which a person must agree, `leases` the life of a change while
a worker carries it out. `executor` probes, checks, writes and reads back; what that means for a kind of change it is
handed as a `behaviour`. Nothing here imports a flow.
"""
