"""What an Odoo lacks of what the settings name, and making it: the plan (`lacking`) and the only code that creates master data (`making`)."""
