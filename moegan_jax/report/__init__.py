"""Result tables, figures and HTML reports of finished runs."""
