"""Find differences, one module per subject: amounts of pairs, states, missing documents, stock, refunds, single records."""
