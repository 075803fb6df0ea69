"""The doors of the ledger: credits, approvals, transfers and events over HTTP.

routes, urls, original_urls  the addresses          fields       what orders are read with
refusals                     the ledger's refusals as problems     bodies  what answers are made of
"""
