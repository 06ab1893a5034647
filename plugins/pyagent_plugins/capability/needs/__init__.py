"""What a prompt needs: hard needs that a model meets or not, and a soft vector over what models were measured on."""
