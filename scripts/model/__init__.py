"""A plain model of `aggregate` that keeps all records and computes with exact fractions."""
