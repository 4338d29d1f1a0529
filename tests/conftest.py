"""What several rooms' tests share: modules beside this file can be imported from any of them."""
