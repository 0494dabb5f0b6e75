"""What every screen is made of: base page, components, style, icons, scripts, and how times and texts are written.

It knows no product word beyond the names of the places in the navigation; contexts bring their own templates
and extend these.
"""
