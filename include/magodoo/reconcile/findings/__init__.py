"""The findings, by what they are about: amounts of pairs, states, missing documents, stock and refunds, records
without a place.
"""
